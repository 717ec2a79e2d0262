package clients

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a process that a test started.
type server struct {
	addr string
	cmd  *exec.Cmd
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start runs a server until the test ends, and waits until it listens.
func start(t *testing.T, port, name string, args ...string) *server {
	t.Helper()
	installed(t, name)
	var out output
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{addr: "127.0.0.1:" + port, cmd: cmd}
	t.Cleanup(s.kill)
	until(t, name+" listens", func() error {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out.String())
		}
		return c.Close()
	})
	return s
}

// installed skips a test that wants a program which is not there.
func installed(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		unavailable(t, err)
	}
}

// unavailable skips a test, or fails it where all that it wants is to be there.
func unavailable(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// output is what a process writes while others read it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// freeze has the server neither run nor hang up, until the test ends.
func (s *server) freeze(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.thaw)
	until(t, "the server has stopped", func() error { // the signal takes its time on a busy machine
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if err != nil {
			return err
		}
		if _, state, _ := bytes.Cut(stat, []byte(") ")); !bytes.HasPrefix(state, []byte("T")) {
			return fmt.Errorf("its state is %.1s", state)
		}
		return nil
	})
}

func (s *server) thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// until asks again and again until there is no error.
func until(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		// real time: another process starts
		time.Sleep(20 * time.Millisecond)
	}
}

// link stands between a client and a server, and can be cut.
type link struct {
	addr  string
	l     net.Listener
	ended chan struct{}

	mu    sync.Mutex
	conns []net.Conn
	dead  bool // nothing goes through from server to client
	full  bool // nothing is taken from the client
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{addr: l.Addr().String(), l: l, ended: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			k.mu.Lock()
			k.conns = append(k.conns, client, server)
			k.mu.Unlock()
			wg.Go(func() { k.pass(client, server, &k.full, false) })
			wg.Go(func() { k.pass(server, client, &k.dead, true) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(k.ended)
		k.cut()
		wg.Wait()
	})
	return k
}

// pass hands on what comes until it is stopped: then it loses it, or takes no more.
func (k *link) pass(from, to net.Conn, stopped *bool, lose bool) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		k.mu.Lock()
		stop := *stopped
		k.mu.Unlock()
		if stop && lose {
			continue
		}
		if stop {
			<-k.ended
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections.
func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.conns {
		_ = c.Close()
	}
	k.conns = nil
}

// swallow has what the server answers from now on get lost.
func (k *link) swallow() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = true
}

// heal has answers come through again.
func (k *link) heal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = false
}

// plug has nothing be taken from the client from now on, as a server that does not
// read.
func (k *link) plug() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.full = true
}

// shared is a server that the machine runs for all: it is not stopped.
func shared(t *testing.T, name, addr string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = c.Close()
		return addr
	}
	unavailable(t, fmt.Errorf("%s: %w", name, err))
	return ""
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// quiet keeps a server's complaints to itself.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
