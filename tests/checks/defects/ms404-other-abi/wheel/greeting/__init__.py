from greeting._queue import SimpleQueue


def hello():
    queue = SimpleQueue()
    queue.put("hello from a package")
    return queue.get()
