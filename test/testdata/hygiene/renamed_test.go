package p

import clock "time"

func wait(time sleeper) {
	time.Sleep()
	clock.Sleep(1) // found
}
