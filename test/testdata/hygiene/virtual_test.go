package p

import (
	"testing/synctest"
	"time"
)

func wait() { time.Sleep(time.Second) }
