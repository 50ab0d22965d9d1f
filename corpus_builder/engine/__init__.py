"""Execution engines: run tasks in this process or on Ray.  The only package that imports Ray.

An engine calls `work(task)` for every task and yields outcomes in any order.  Only small objects are sent: a task one way, a
receipt back; documents stay in files.  An exception inside `work` does not stop the other tasks: it comes back as a
`Failure`.  A worker process that dies is restarted, and its task retried.
"""

from corpus_builder.engine.ray import Ray as Ray
from corpus_builder.engine.serial import Done as Done
from corpus_builder.engine.serial import Engine as Engine
from corpus_builder.engine.serial import Failure as Failure
from corpus_builder.engine.serial import Serial as Serial
from corpus_builder.engine.serial import engine_of as engine_of
