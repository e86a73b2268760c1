"""The keys that server and clients agree on, in Flower's own spelling."""

# Records of a message, named as Flower's strategies name them.
ARRAYS = "arrays"
CONFIG = "config"
METRICS = "metrics"

# In a client's context: which client it is.
PARTITION = "partition-id"

# In the configuration that a strategy sends.
SERVER_ROUND = "server-round"
PROXIMAL_MU = "proximal-mu"

# In a client's metrics.
NUM_EXAMPLES = "num-examples"
SAMPLES = "samples"
POLICY_LOSS = "policy-loss"
PROXIMAL_TERM = "proximal-term"
HELD_OUT_LOSS = "held-out-loss"
