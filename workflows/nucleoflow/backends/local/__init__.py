"""dflow's debug mode with what it lacks: slots, retries, timeouts, a lock, and true exit codes.

Nothing is imported here: every local step starts an interpreter that imports this package.
"""
