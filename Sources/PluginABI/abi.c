// Headers only: everything the contract needs is in include/.
