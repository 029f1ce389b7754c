"""Text made from a declaration and the files of ``templates/``; nothing is read or written here."""
