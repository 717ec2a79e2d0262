package cladredis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	_ "github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if told := os.Getenv(clientEnv); told != "" {
		beClient(told)
		return
	}
	// A client of a server that is down looks for it once a second, also after it was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// server is a redis-server of the test's own.
type server struct {
	t      *testing.T
	binary string
	addr   string
	args   []string
	env    []string // more
	cmd    *exec.Cmd
}

func newServer(t *testing.T, args ...string) *server { return newServerOf(t, "redis-server", args...) }

// engines are the servers that there are.
func engines(t *testing.T) []string {
	t.Helper()
	all := []string{"redis-server"}
	if _, err := exec.LookPath("valkey-server"); err == nil {
		all = append(all, "valkey-server")
	}
	return all
}

// onEngines has a test made with each of them.
func onEngines(t *testing.T, test func(t *testing.T, engine string)) {
	t.Helper()
	t.Parallel()
	for _, engine := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

func newServerOf(t *testing.T, binary string, args ...string) *server {
	t.Helper()
	return newServerIn(t, binary, nil, args...)
}

func newServerIn(t *testing.T, binary string, env []string, args ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	s := &server{t: t, binary: binary, addr: "127.0.0.1:" + port, env: env}
	s.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, args...)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.binary, s.args...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); errors.Is(err, exec.ErrNotFound) && os.Getenv("CLAD_REQUIRE_SERVICES") != "1" {
		s.t.Skip(err)
	} else if err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("redis-server does not listen")
		}
		// real time: another process starts
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// freeze has the server neither run nor hang up.
func (s *server) freeze() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	for end := time.Now().Add(10 * time.Second); ; { // the signal takes its time on a busy machine
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if _, state, _ := bytes.Cut(stat, []byte(") ")); bytes.HasPrefix(state, []byte("T")) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("redis-server does not stop")
		}
		// real time: another process stops
		time.Sleep(time.Millisecond)
	}
}

func (s *server) thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// bare is a client that nobody guards.
func (s *server) bare() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr, DialerRetries: 1})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// guarded has a constructor's client come out of a container, under a policy named
// "cache".
func guarded[C any](t *testing.T, c policy.Catalog, ctor func() C, opts ...container.Option) (C, *container.Orchestrator) {
	t.Helper()
	box, err := container.New(c, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(ctor, "cache")); err != nil {
		t.Fatal(err)
	}
	var got C
	if err := box.Invoke(func(c C) { got = c }); err != nil {
		t.Fatal(err)
	}
	return got, box.Orchestrator()
}

func under(layers ...policy.Policy) policy.Catalog {
	return policy.Catalog{Policies: map[string]policy.Policy{"cache": policy.Combine(layers...)}}
}

func retries(n int) policy.Retry {
	return policy.Retry{MaxAttempts: n, Backoff: policy.Fixed(time.Millisecond)}
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }

var background = context.Background()
