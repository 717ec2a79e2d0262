package cladredis

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"weak"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

var kinds = []string{read, write, pipeline, transaction}

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterWrapper(guardClient, kinds...)
	container.RegisterWrapper(guardCluster, kinds...)
	container.RegisterWrapper(guardRing, kinds...)
	container.RegisterWrapper(guardUniversal, kinds...)
	container.RegisterNames[*redis.Client](checkCommand)
	container.RegisterNames[*redis.ClusterClient](checkCommand)
	container.RegisterNames[*redis.Ring](checkCommand)
	container.RegisterNames[redis.UniversalClient](checkCommand)
}

func guardUniversal(next redis.UniversalClient, m container.Methods) redis.UniversalClient {
	switch next := next.(type) {
	case *redis.Client:
		return guardClient(next, m)
	case *redis.ClusterClient:
		return guardCluster(next, m)
	case *redis.Ring:
		return guardRing(next, m)
	default:
		next.AddHook(newHook(m))
		return next
	}
}

// guardClient guards next itself: a copy, as by WithTimeout, would lose the hooks
// that its constructor has added.
func guardClient(next *redis.Client, m container.Methods) *redis.Client {
	if first(next) {
		follow(next.Options())
		next.AddHook(newHook(m))
	}
	return next
}

// follow has a client follow its policy: it heeds deadlines and leaves retries to it.
func follow(opt *redis.Options) {
	opt.ContextTimeoutEnabled = true
	opt.MaxRetries = 0
}

// guarded holds the clients that are guarded, as long as they live: one that is
// provided as two types is guarded once.
var guarded sync.Map // weak.Pointer -> true

// first reports whether a client was not guarded before.
func first[C any](c *C) bool {
	key := weak.Make(c)
	if _, ok := guarded.LoadOrStore(key, true); ok {
		return false
	}
	runtime.AddCleanup(c, func(key weak.Pointer[C]) { guarded.Delete(key) }, key)
	return true
}

// checkCommand returns what is wrong with the name of a command for which a policy is
// chosen.
func checkCommand(name string) error {
	if slices.Contains(slices.Collect(maps.Values(commandNames)), name) {
		return nil
	}
	return fmt.Errorf("there is no command %s; commands are written in capitals: GET", name)
}
