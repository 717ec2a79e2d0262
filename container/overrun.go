package container

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/deadline"
)

// A client that does not heed its context makes a timeout mean little: its calls
// come back when they like. An attempt that is late by more than a tenth of its time,
// and by more than these, is such an overrun; what is less may be a busy machine.
const leastOverrun = 100 * time.Millisecond

// sampleSuccesses is how many successes there are to one whose lateness is looked at.
// The clock's last digits choose it.
const sampleSuccesses = 64

// sampled reports whether a success that began then is to be looked at.
func sampled(began clock.Nanos) bool { return began%sampleSuccesses == 0 }

// checkOverrun notes an attempt that came back long after the deadline of ctx.
func (c *Call) checkOverrun(ctx *deadline.Context) {
	if c.deferred || c.began == 0 {
		return // it ends when its reader comes to it
	}
	late := c.clock().Sub(ctx.At())
	if late < leastOverrun || c.began != 0 && late < ctx.At().Sub(c.began)/10 {
		return
	}
	c.prog.counters.Count(countOverrun)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, Overrun{c.prog.operation, late})
	}
	if _, told := c.prog.events.overran.LoadOrStore(c.prog.operation, true); !told {
		c.prog.events.log.LogAttrs(context.WithoutCancel(c.ctx), slog.LevelWarn, "an attempt came back long after its deadline: the client does not heed its context",
			slog.String("operation", c.prog.operation), slog.Duration("late", late), slog.String("mend", mendOf(c.prog.dependency)))
	}
}

// mendOf names the setting of a client, by the type of what was wrapped, that has it
// heed contexts.
func mendOf(dependency string) string {
	for _, client := range clientsThatOverrun {
		if strings.Contains(dependency, client.path) {
			return client.mend
		}
	}
	return "look for the client's own timeouts, and set them below the policy's"
}

var clientsThatOverrun = []struct{ path, mend string }{
	{"github.com/redis/go-redis/", "set ContextTimeoutEnabled: true in the client's options"},
	{"github.com/redis/rueidis", "set ConnWriteTimeout below the policy's timeout"},
	{"github.com/valkey-io/valkey-go", "set ConnWriteTimeout below the policy's timeout"},
	{"github.com/mattn/go-sqlite3", "set _busy_timeout in the data source's name below the policy's timeout"},
	{"github.com/rabbitmq/amqp091-go", "publish with a confirmation, and wait for that with the context"},
	{"github.com/eclipse/paho", "wait with Token.WaitTimeout or on Token.Done"},
}
