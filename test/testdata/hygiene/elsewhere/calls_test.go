package elsewhere

import "time"

func wait() { virtual(); time.Sleep(time.Second) } // found
