package fleet

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server of our own, on loopback.
type Server struct {
	Addr string
	cmd  *exec.Cmd
}

// StartServer starts one.
func StartServer() (*Server, error) {
	ctx := context.Background()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{Addr: addr, cmd: exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 500 {
		if c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr); err == nil {
			return s, c.Close()
		}
		time.Sleep(10 * time.Millisecond) // real time: another process starts
	}
	s.Stop()
	return nil, errors.New("redis-server does not listen")
}

// Stop kills it.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Client returns a client of it.
func (s *Server) Client() *redis.Client { return NewClient(s.Addr) }

// NewClient returns a client that heeds deadlines, and whose commands are counted.
func NewClient(addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	c.AddHook(counting{})
	return c
}

// Sent is how many commands all clients of this process have sent.
var Sent atomic.Int64 //nolint:gochecknoglobals // of the process is what is meant

type counting struct{}

func (counting) DialHook(next redis.DialHook) redis.DialHook { return next }

func (counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		Sent.Add(1)
		return next(ctx, cmd)
	}
}

func (counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		Sent.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}
