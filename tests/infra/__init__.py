"""The Terraform configuration: its rules, its package, and a deployment that is made for real.

The deployment goes to moto in place of AWS, with the real provider.
"""
