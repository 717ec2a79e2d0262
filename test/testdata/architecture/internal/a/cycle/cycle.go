package cycle

import "example.com/house/internal/a"
