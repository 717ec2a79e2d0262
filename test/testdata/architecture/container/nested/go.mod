module example.com/house/container/nested
