"""Reads files of customers and CSMs and says, row by row, what is wrong with them.

Pure as far as it goes: bytes in, a checked table out. What is written, and when, is decided by
`allocation.services.importing`, since an import may set a customer's CSM.
"""
