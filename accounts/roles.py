"""The roles of the product, as group names. A person with two roles has the rights of both."""

OPS = "CS ops"
MANAGER = "Manager"
CSM = "CSM"
ALL = (OPS, MANAGER, CSM)
