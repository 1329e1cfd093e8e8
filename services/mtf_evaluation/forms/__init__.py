"""Other forms of the report: Markdown for people, a long table for tools. Both are made from the document alone."""
