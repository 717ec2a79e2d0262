package sqltest_test

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/cladgo/clad/container/cladsql"
)

// proxy stands between a driver and its server, and plays tricks on the
// connections through it.
type proxy struct {
	listener net.Listener
	server   string
	conns    sync.WaitGroup

	mu sync.Mutex
	// on says what becomes of a connection by which a message comes that holds
	// the text.
	text string
	do   trick
	seen int // messages that held it
	open map[net.Conn]*link
	made int // connections
}

type trick int

const (
	pass       trick = iota
	swallow          // the message does not arrive, and nothing comes back
	loseAnswer       // the message arrives, the connection is cut when the answer comes
	cut              // the connection is cut at once
)

// link is one connection and its end at the server.
type link struct {
	client, server net.Conn
	trick          trick
	deaf           bool
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: server, open: map[net.Conn]*link{}}
	p.listen(l)
	t.Cleanup(func() {
		p.down()
		p.conns.Wait()
	})
	return p
}

func (p *proxy) listen(l net.Listener) {
	p.listener = l
	p.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(c) })
		}
	})
}

// down is as if the server were: connections are cut, and refused.
func (p *proxy) down() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		_ = l.client.Close()
		_ = l.server.Close()
	}
}

// through returns the product as it is reached by way of a proxy.
func (p product) through(t *testing.T) (product, *proxy) {
	t.Helper()
	if p.kill == "" {
		t.Skip("there are no connections")
	}
	address := "127.0.0.1:5432"
	if p.driver == "mysql" {
		address = "127.0.0.1:3306"
	}
	x := newProxy(t, address)
	dsn := p.dsn(t)
	p.dsn = fixed(strings.Replace(dsn, address, x.listener.Addr().String(), 1))
	return p, x
}

// proxied has guarded databases reach their server by way of a proxy; the plain
// one goes straight there.
func (d *database) proxied(t *testing.T) *proxy {
	t.Helper()
	q, x := d.product.through(t)
	c, err := cladsql.NewConnector(q.driver, q.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	d.connector = c
	return x
}

// at sets what becomes of connections by which a text comes.
func (p *proxy) at(text string, do trick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.do, p.seen = text, do, 0
}

// atNext plays a trick on the next message of each connection.
func (p *proxy) atNext(do trick) { p.at("\x00", do) }

func (p *proxy) count() (seen, made int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen, p.made
}

// hang leaves all connections as they are, with nothing coming through any more.
// Those that come later are served.
func (p *proxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		l.deaf = true
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	p.open[client] = l
	p.made++
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.forward(l, client, server, true) })
	p.forward(l, server, client, false)
	both.Wait()
	p.mu.Lock()
	delete(p.open, client)
	p.mu.Unlock()
}

func (p *proxy) forward(l *link, from, to net.Conn, asking bool) {
	defer func() { _ = from.Close(); _ = to.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		passes, cut := n > 0, false
		if passes {
			passes, cut = p.decide(l, buffer[:n], asking)
		}
		if passes {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil || cut {
			return
		}
	}
}

// decide says whether a message passes, and whether the connection ends with it.
func (p *proxy) decide(l *link, message []byte, asking bool) (passes, ends bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if asking && (p.text != "" || p.do == swallow) && bytes.Contains(message, []byte(p.text)) {
		p.seen++
		l.trick = p.do
	}
	switch {
	case l.trick == cut:
		return false, true
	case l.trick == loseAnswer:
		return asking, !asking
	}
	return !l.deaf && l.trick != swallow, false
}
