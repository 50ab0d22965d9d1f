"""Where work runs: in this process, or on Ray.  The only room that imports Ray.

An engine calls `work(task)` for every task and yields outcomes in any order.  Only small things travel: a task goes out, a
receipt comes back; documents stay in files.  An exception inside `work` does not stop the other tasks: it comes back as a
`Failure`.  A worker process that dies is started again, and its task tried again.
"""

from corpus_builder.engine.cluster import Ray as Ray
from corpus_builder.engine.outcomes import Done as Done
from corpus_builder.engine.outcomes import Engine as Engine
from corpus_builder.engine.outcomes import Failure as Failure
from corpus_builder.engine.outcomes import Serial as Serial
from corpus_builder.engine.outcomes import engine_of as engine_of
