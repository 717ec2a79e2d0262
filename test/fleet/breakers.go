package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

// Guard calls through a circuit breaker.
type Guard func(call func() error) error

// Breakers are the libraries, by name.
var Breakers = []struct {
	Name string
	Make func(client *redis.Client) (Guard, func(), error)
}{
	{"clad, shared", cladBreaker},
	{"gobreaker, distributed", goBreaker},
}

func cladBreaker(client *redis.Client) (Guard, func(), error) {
	o, err := container.NewOrchestrator(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {Shared: true}},
		Policies:        map[string]policy.Policy{"p": policy.CircuitBreaker{Name: "bank"}},
	}, container.WithStore(cladredis.NewStore(client)))
	if err != nil {
		return nil, nil, err
	}
	run, err := o.Pipeline("p")
	return func(call func() error) error {
		return run.Run(context.Background(), func(context.Context) error { return call() })
	}, o.Close, err
}

func goBreaker(client *redis.Client) (Guard, func(), error) {
	b, err := gobreaker.NewDistributedCircuitBreaker[struct{}](sharedData{client}, gobreaker.Settings{Name: "bank"})
	return func(call func() error) error {
		_, err := b.Execute(func() (struct{}, error) { return struct{}{}, call() })
		return err
	}, func() {}, err
}

// sharedData keeps gobreaker's state: a lock that expires, and a value.
type sharedData struct{ client *redis.Client }

var errLocked = errors.New("locked")

func (s sharedData) Lock(name string) error {
	ok, err := s.client.SetNX(context.Background(), name, 1, 5*time.Second).Result()
	if err == nil && !ok {
		return errLocked
	}
	return err
}

func (s sharedData) Unlock(name string) error {
	return s.client.Del(context.Background(), name).Err()
}

func (s sharedData) GetData(name string) ([]byte, error) {
	data, err := s.client.Get(context.Background(), name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return data, err
}

func (s sharedData) SetData(name string, data []byte) error {
	return s.client.Set(context.Background(), name, data, 0).Err()
}
