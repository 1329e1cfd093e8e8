"""The stage protocol: how a job is started, watched, attached to, cancelled and published, over two transports."""
