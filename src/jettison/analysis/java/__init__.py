"""Facts of Java programs: which version of Java they need, and which one is there.

``class_file`` reads headers of classes, ``archive`` entries of jars, ``runtime`` what a JVM says of
itself, ``command`` what a command line starts, ``program`` puts them together.
"""
