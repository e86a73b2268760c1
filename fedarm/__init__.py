"""Federated against central training of robot policies, as a rerunnable experiment."""
