"""One command that proves on a GPU, in ten minutes, what tests on a CPU cannot: `python -m bench.gpu_check`.

`plan` lists the checks, in order of value; `__main__` runs them, each in a process of its own. These two, and
`process` and `result`, import no torch: a CUDA context of the parent would take memory that the
checks measure.
"""
