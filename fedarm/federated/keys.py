"""The keys that server and clients agree on, in Flower's own spelling."""

# Records of a message, named as Flower's strategies name them.
ARRAYS = "arrays"
CONFIG = "config"
METRICS = "metrics"

# What a client can be asked beside the standard "train" and "evaluate".
QUERY_IDENTITY = "query.identity"
QUERY_SUMS = "query.sums"

# In a client's context: which client it is.
PARTITION = "partition-id"

# In the configuration that a server sends, and in the run_config that it gets in process.
SETTINGS = "settings"
SERVER_ROUND = "server-round"
PROXIMAL_MU = "proximal-mu"
# The last round in which the server has used this client's update; 0 for none.
ACCEPTED_ROUND = "accepted-round"
# The sha256 of the arrays beside it, in either direction.
SEAL = "arrays-sha256"

# Adam's counts of steps, of all parameters that have moments, in alphabetical order.
STEPS = "optimizer/step"

# How the names of control variates begin, among other arrays.
CONTROL_PREFIX = "control/"

# In a client's answer to the query for sums: what its results depend on beside the settings.
DATA_DIGEST = "data-digest"
START_DIGEST = "start-digest"
# One a client, in client order: what its learning rate is multiplied by.
LR_FACTORS = "lr-factors"

# In a client's metrics, beside the fields of `fedarm.training.loop.StepLosses`.
NUM_EXAMPLES = "num-examples"
HELD_OUT_LOSS = "held-out-loss"
