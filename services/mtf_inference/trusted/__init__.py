"""Lists of types that a skops file may hold, and the script that makes scikit-learn's."""
