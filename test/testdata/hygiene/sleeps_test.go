package p

import "time"

func wait() {
	time.Sleep(time.Second) // found
	// real time:
	time.Sleep(time.Second) // found
	// real time: the server's own clock decides
	time.Sleep(time.Second)
	time.Sleep(1) // real time: as short as can be

	f := time.Sleep // found
}
