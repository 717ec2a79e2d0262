// Command compare measures limits and circuit breakers that instances share by Redis,
// clad's beside others', and prints a table; with -update it writes that into the page.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cladgo/clad/test/fleet"
	"github.com/redis/go-redis/v9"
)

const (
	processes = 8
	rate      = 5000 // the limit
	burst     = 1250
	load      = 10_000 // calls a second, of all processes
)

// child is what a client process is told, and tells.
type child struct {
	Limiter   int
	Addr      string
	Rate      int
	Burst     int
	PerSecond int // calls; 0 is as many as it can
	For       time.Duration

	Calls, Passed, Failed int
	Sent                  int64
	Slowest, CPU          time.Duration
}

func main() {
	redis.SetLogger(quiet{})
	update := flag.Bool("update", false, "write the table into the page")
	d := flag.Duration("for", 5*time.Second, "how long each measurement takes")
	flag.Parse()
	if told := os.Getenv("CLAD_COMPARE"); told != "" {
		beChild(told)
		return
	}
	text, err := compare(*d)
	if err != nil {
		fail(err)
	}
	fmt.Print(text)
	if *update {
		if err := fleet.Update("comparison", text); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func compare(d time.Duration) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d processes make %d calls a second under a limit of %d a second and a burst of %d, for %v:\n\n", processes, load, rate, burst, d)
	b.WriteString("| | passed, of rate × time + burst | commands per 1,000 calls | calls per second of CPU time, one process, unlimited | the store is killed: calls that failed | the slowest call then |\n|---|---|---|---|---|---|\n")
	for i, l := range fleet.Limiters {
		paced, err := run(processes, child{Limiter: i, Rate: rate, Burst: burst, PerSecond: load / processes, For: d}, false)
		if err != nil {
			return "", fmt.Errorf("%s: %w", l.Name, err)
		}
		fast, err := run(1, child{Limiter: i, Rate: 1_000_000_000, Burst: 250_000_000, For: d / 2}, false)
		if err != nil {
			return "", fmt.Errorf("%s: %w", l.Name, err)
		}
		killed, err := run(processes, child{Limiter: i, Rate: rate, Burst: burst, PerSecond: load / processes, For: d}, true)
		if err != nil {
			return "", fmt.Errorf("%s: %w", l.Name, err)
		}
		fmt.Fprintf(&b, "| %s | %.1f%% | %.1f | %s | %.1f%% | %v |\n", l.Name,
			100*float64(paced.Passed)/(rate*d.Seconds()+burst), 1000*float64(paced.Sent)/float64(paced.Calls),
			thousands(float64(fast.Calls)/fast.CPU.Seconds()), 100*float64(killed.Failed)/float64(killed.Calls), killed.Slowest.Round(time.Millisecond))
	}
	b.WriteString("\n20 calls at once of 10ms each, ten times, to a dependency that is well:\n\n")
	b.WriteString("| | calls that failed | it took | commands per call | the store is killed: calls that failed |\n|---|---|---|---|---|\n")
	for _, l := range fleet.Breakers {
		row, err := breakers(l.Make)
		if err != nil {
			return "", fmt.Errorf("%s: %w", l.Name, err)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", l.Name, row)
	}
	return b.String(), nil
}

func thousands(n float64) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.1f million", n/1e6)
	}
	return fmt.Sprintf("%.0f thousand", n/1e3)
}

// run has so many processes make their calls, and returns what they tell together.
func run(n int, c child, kill bool) (all child, err error) {
	s, err := fleet.StartServer()
	if err != nil {
		return all, err
	}
	defer s.Stop()
	c.Addr = s.Addr
	told, _ := json.Marshal(c)
	outs, cmds := make([]strings.Builder, n), make([]*exec.Cmd, n)
	for i := range cmds {
		cmd := exec.CommandContext(context.Background(), os.Args[0])
		cmd.Env = append(os.Environ(), "CLAD_COMPARE="+string(told))
		cmd.Stdout, cmd.Stderr = &outs[i], os.Stderr
		if err := cmd.Start(); err != nil {
			return all, err
		}
		cmds[i] = cmd
	}
	if kill {
		time.Sleep(c.For / 2) // real time: other processes run
		s.Stop()
	}
	for i, cmd := range cmds {
		var got child
		if err := errors.Join(cmd.Wait(), json.Unmarshal([]byte(outs[i].String()), &got)); err != nil {
			return all, err
		}
		all.Calls, all.Passed, all.Failed = all.Calls+got.Calls, all.Passed+got.Passed, all.Failed+got.Failed
		all.Sent += got.Sent
		all.CPU, all.Slowest = all.CPU+got.CPU, max(all.Slowest, got.Slowest)
	}
	return all, nil
}

// beChild is the whole of a client process.
func beChild(told string) {
	var c child
	if err := json.Unmarshal([]byte(told), &c); err != nil {
		fail(err)
	}
	allow, end, err := fleet.Limiters[c.Limiter].Make(fleet.NewClient(c.Addr), c.Rate, c.Burst)
	if err != nil {
		fail(err)
	}
	ctx := context.Background()
	cpu := cpuTime()
	begin := time.Now()
	for next := begin; time.Since(begin) < c.For; {
		if c.PerSecond > 0 {
			time.Sleep(time.Until(next)) // real time: a load of so many calls a second
			next = next.Add(time.Second / time.Duration(c.PerSecond))
		}
		before := time.Now()
		ok, err := allow(ctx)
		c.Slowest = max(c.Slowest, time.Since(before))
		c.Calls++
		if err != nil {
			c.Failed++
		} else if ok {
			c.Passed++
		}
	}
	c.CPU = cpuTime() - cpu
	end()
	c.Sent = fleet.Sent.Load()
	_ = json.NewEncoder(os.Stdout).Encode(c)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// breakers measures one library's breaker.
func breakers(make func(*redis.Client) (fleet.Guard, func(), error)) (string, error) {
	s, err := fleet.StartServer()
	if err != nil {
		return "", err
	}
	defer s.Stop()
	const atOnce, times = 20, 10
	guard, end, err := make(s.Client())
	if err != nil {
		return "", err
	}
	defer end()
	before := fleet.Sent.Load()
	round := func() (failed int64) {
		var n atomic.Int64
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				if guard(func() error { time.Sleep(10 * time.Millisecond); return nil }) != nil { // real time: a dependency
					n.Add(1)
				}
			})
		}
		wg.Wait()
		return n.Load()
	}
	var failed int64
	start := time.Now()
	for range times {
		failed += round()
	}
	took := time.Since(start)
	after := fleet.Sent.Load()
	s.Stop()
	return fmt.Sprintf("%d of %d | %v | %.1f | %d of %d", failed, atOnce*times, took.Round(10*time.Millisecond),
		float64(after-before)/(atOnce*times), round(), atOnce), nil
}
