package cladredis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// client is what a client process is told, and what it tells when it ends.
type client struct {
	Addr      string
	Rate      float64
	Burst     int
	Fleet     int
	PerSecond int // calls
	For       time.Duration
	Clock     int // seconds by which its monotonic clock is ahead of others'

	Uptime        string // of the machine, by that clock
	Calls, Passed int
	Failed        []string // errors that are not the limit's
	Slowest       time.Duration
}

const clientEnv = "CLAD_TEST_CLIENT"

// beClient is the whole of a client process.
func beClient(told string) {
	var c client
	if err := json.Unmarshal([]byte(told), &c); err != nil {
		panic(err)
	}
	o, err := container.NewOrchestrator(policy.Catalog{
		RateLimiters: map[string]policy.RateLimit{"api": {RequestsPerSecond: c.Rate, Burst: c.Burst, Shared: true}},
		Policies:     map[string]policy.Policy{"p": policy.RateLimit{Name: "api"}},
	}, container.WithStore(cladredis.NewStore(redis.NewClient(&redis.Options{Addr: c.Addr, DialerRetries: 1}))), container.WithFleet(c.Fleet))
	if err != nil {
		panic(err)
	}
	run, _ := o.Pipeline("p")
	every := time.Second / time.Duration(c.PerSecond)
	begin := time.Now()
	for next := begin; next.Sub(begin) < c.For; next = next.Add(every) {
		time.Sleep(time.Until(next)) // real time: a load of so many calls a second
		before := time.Now()
		err := run.Run(context.Background(), func(context.Context) error { return nil })
		c.Slowest = max(c.Slowest, time.Since(before))
		c.Calls++
		if err == nil {
			c.Passed++
		} else if !errors.Is(err, policy.ErrRateLimited) && len(c.Failed) < 5 {
			c.Failed = append(c.Failed, err.Error())
		}
	}
	o.Close()
	uptime, _ := os.ReadFile("/proc/uptime")
	c.Uptime, _, _ = strings.Cut(string(uptime), " ")
	_ = json.NewEncoder(os.Stdout).Encode(c)
}

// start starts a client process; wait returns what it tells.
func (c client) start(t *testing.T) (cmd *exec.Cmd, wait func() client) {
	t.Helper()
	told, _ := json.Marshal(c)
	cmd = exec.Command(os.Args[0])
	if c.Clock != 0 {
		ahead := strconv.Itoa(c.Clock)
		cmd = exec.Command("unshare", "--time", "--monotonic", ahead, "--boottime", ahead, "--kill-child", os.Args[0])
	}
	cmd.Env = append(os.Environ(), clientEnv+"="+string(told))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out := &strings.Builder{}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, func() (got client) {
		if err := cmd.Wait(); err != nil {
			return got // it was killed
		}
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Error(err)
		}
		return got
	}
}

// seconds is how long tests of fleets of processes take: longer when that is asked for.
func seconds(short int) time.Duration {
	if os.Getenv("CLAD_LONG") == "1" {
		return 30 * time.Second
	}
	return time.Duration(short) * time.Second
}

// Eight processes under one limit, which all of them together would exceed four times,
// while what the store runs on dies, freezes, forgets and comes back: what passes stays
// within the limit and its bound, and not one call fails because of the store.
func TestEightProcessesKeepOneLimitWhateverTheStoreDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const processes, rate, burst = 8, 400, 100
	for _, tt := range []struct {
		name    string
		trouble func(t *testing.T, s *server, pause func())
		more    float64 // than rate * time + burst
	}{
		{"nothing", func(*testing.T, *server, func()) {}, 0},
		{"kill -9, and a restart without its data", func(_ *testing.T, s *server, pause func()) {
			s.kill()
			pause()
			s.start()
		}, 2 * burst},
		{"SIGSTOP and SIGCONT", func(_ *testing.T, s *server, pause func()) {
			s.freeze()
			pause()
			s.thaw()
		}, 2 * burst},
		{"FLUSHALL and SCRIPT FLUSH", func(t *testing.T, s *server, pause func()) {
			for range 3 {
				if err := s.bare().FlushAll(background).Err(); err != nil {
					t.Error(err)
				}
				_ = s.bare().ScriptFlush(background).Err()
				pause()
			}
		}, 3 * burst},
	} {
		for _, engine := range engines(t) {
			t.Run(engine+": "+tt.name, func(t *testing.T) {
				s := newServerOf(t, engine)
				d := seconds(4)
				c := client{Addr: s.addr, Rate: rate, Burst: burst, Fleet: processes, PerSecond: 200, For: d}
				begin := time.Now()
				var waits []func() client
				for range processes {
					_, wait := c.start(t)
					waits = append(waits, wait)
				}
				time.Sleep(d / 3) // real time: other processes run
				tt.trouble(t, s, func() {
					time.Sleep(d / 4) // real time: other processes run
				})
				var all client
				for _, wait := range waits {
					got := wait()
					all.Calls, all.Passed, all.Slowest = all.Calls+got.Calls, all.Passed+got.Passed, max(all.Slowest, got.Slowest)
					all.Failed = append(all.Failed, got.Failed...)
				}
				took := time.Since(begin)
				if len(all.Failed) > 0 {
					t.Errorf("calls failed: %v", all.Failed)
				}
				// A clock that is read here sees more time than the processes had.
				if most := rate*took.Seconds() + burst + tt.more; float64(all.Passed) > most {
					t.Errorf("%d of %d calls passed, of at most %v", all.Passed, all.Calls, most)
				}
				if least := rate * d.Seconds() / 2; float64(all.Passed) < least {
					t.Errorf("%d of %d calls passed, of at least %v", all.Passed, all.Calls, least)
				}
				t.Logf("%d of %d calls passed in %v, %.0f%% of rate × time + burst; the slowest took %v",
					all.Passed, all.Calls, took.Round(time.Millisecond), 100*float64(all.Passed)/(rate*d.Seconds()+burst), all.Slowest)
			})
		}
	}
}

// A client process that is killed, or stopped for a while, takes nothing from the
// others, and does not pass more when it goes on.
func TestClientProcessesDieAndFreeze(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const processes, rate, burst = 4, 400, 100
	s := newServer(t)
	d := seconds(4)
	c := client{Addr: s.addr, Rate: rate, Burst: burst, Fleet: processes, PerSecond: 300, For: d}
	begin := time.Now()
	var cmds []*exec.Cmd
	var waits []func() client
	for range processes {
		cmd, wait := c.start(t)
		cmds, waits = append(cmds, cmd), append(waits, wait)
	}
	time.Sleep(d / 4) // real time: other processes run
	_ = cmds[0].Process.Kill()
	_ = cmds[1].Process.Signal(syscall.SIGSTOP)
	time.Sleep(d / 3) // real time: other processes run
	_ = cmds[1].Process.Signal(syscall.SIGCONT)
	passed := 0
	for _, wait := range waits {
		got := wait()
		passed += got.Passed
		if len(got.Failed) > 0 {
			t.Error(got.Failed)
		}
	}
	if most := rate*time.Since(begin).Seconds() + burst; float64(passed) > most || float64(passed) < rate*d.Seconds()/3 {
		t.Errorf("%d passed of those that live, of at most %v", passed, most)
	}
	t.Log(fmt.Sprint(passed, " passed of those that live"))
}

// Clients need not agree about the time: their clocks differ by hours and by months
// here, and the limit is kept. The clock that says the date is the same for all; no
// limiter reads it.
func TestClientProcessesWhoseClocksDiffer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if out, err := exec.Command("unshare", "--time", "--monotonic", "1", "true").CombinedOutput(); err != nil {
		t.Skipf("a process can't be given a clock of its own here: %v: %s", err, out)
	}
	const rate, burst = 400, 100
	for _, engine := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := newServerOf(t, engine)
			d := seconds(3)
			clocks := []int{0, 1, 3600, 10_000_000}
			begin := time.Now()
			var waits []func() client
			for _, clock := range clocks {
				_, wait := client{Addr: s.addr, Rate: rate, Burst: burst, Fleet: len(clocks), PerSecond: 200, For: d, Clock: clock}.start(t)
				waits = append(waits, wait)
			}
			passed, least, first := 0, rate, 0.0
			for i, wait := range waits {
				got := wait()
				passed += got.Passed
				least = min(least, got.Passed)
				uptime, err := strconv.ParseFloat(got.Uptime, 64)
				if i == 0 {
					first = uptime
				}
				if ahead := uptime - first - float64(clocks[i]); err != nil || ahead < -5 || ahead > 5 {
					t.Errorf("client %d has a clock of %q seconds, %vs off", i, got.Uptime, ahead)
				}
				if len(got.Failed) > 0 {
					t.Error(got.Failed)
				}
			}
			if most := rate*time.Since(begin).Seconds() + burst; float64(passed) > most || float64(passed) < rate*d.Seconds()/2 {
				t.Errorf("%d passed, of at most %v", passed, most)
			}
			if least < int(rate*d.Seconds())/len(clocks)/3 {
				t.Errorf("one client had %d of %d", least, passed)
			}
			t.Logf("%d passed, %d at least of one client", passed, least)
		})
	}
}
