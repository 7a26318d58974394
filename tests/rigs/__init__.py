"""Rigs: everything that a deployed function has around it, on the loopback interface.

A rig stands for a service as its public documentation describes it, and knows nothing of this
project: `runtime_api` for Lambda, `aws` for the services that moto has, `lookup_events` for the
one that it lacks, `webhook` for Slack, `proxy` for a network that fails, `clock` for time.
"""
