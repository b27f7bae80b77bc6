"""Secrets: where known values are, in whatever form, and content that looks like one.

In:  values, files, texts.
Out: names, places, forms; never a value.

Security: values are in memory only, and nothing that is returned or kept holds one. Content is
hostile: reads, what is decompressed, and lists of what was found are bounded.
"""
