"""`python -m mtf` is the same as `mtf`."""

from mtf.cli.main import main

if __name__ == "__main__":
    main()
