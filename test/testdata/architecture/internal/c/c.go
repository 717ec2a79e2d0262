package c

import "example.com/house/module/sub" // want "internal -> module"
