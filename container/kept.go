package container

import (
	"sync/atomic"
	"unique"
)

// kept are settings in force, which are exchanged while others read them. Equal ones
// are held once: services by the hundred have those of one policy.
type kept[S comparable] struct {
	handle atomic.Pointer[unique.Handle[S]]
}

func (k *kept[S]) store(settings S) {
	h := unique.Make(settings)
	k.handle.Store(&h)
}

// load returns the settings. There must be some.
func (k *kept[S]) load() S { return k.handle.Load().Value() }
