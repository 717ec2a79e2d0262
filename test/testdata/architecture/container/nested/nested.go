package nested

import "example.com/house/config" // want "container -> config"
