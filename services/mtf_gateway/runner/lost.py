"""The run belongs to somebody else."""


class Lost(Exception):  # noqa: N818 - it is no error: somebody else goes on
    """A write found a higher epoch, or the lease ran out unseen: leave everything as it is."""
