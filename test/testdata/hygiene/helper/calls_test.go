package helper

import "time"

func wait() { virtual(); time.Sleep(time.Second) }
