package clients

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const amqpGo = "github.com/rabbitmq/amqp091-go"

var amqpFamily = &family{
	title: "AMQP 0-9-1 (RabbitMQ)",
	intro: "A publish succeeds when it is written to the socket: that the exchange does not exist, or that the broker refused the message, comes later, by the channel's end or a confirm. A confirm says no (`false, nil`) both when the broker rejected the message and when the connection was lost while it was on its way; `Channel.IsClosed` tells them apart. Contexts are looked at before a publish, not while it waits for a broker that does not read.",
}

// openAMQP connects to the shared broker by way of addr.
func openAMQP(t *testing.T, addr string) (*amqp.Connection, *amqp.Channel) {
	t.Helper()
	conn, err := amqp.Dial("amqp://guest:guest@" + addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, channelOf(t, conn)
}

func channelOf(t *testing.T, conn *amqp.Connection) *amqp.Channel {
	t.Helper()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func TestAMQPAnswers(t *testing.T) {
	t.Parallel()
	addr := shared(t, "RabbitMQ", "127.0.0.1:5672")
	conn, ch := openAMQP(t, addr)
	_, other := openAMQP(t, addr)
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		amqpFamily.meets(t, amqpGo, situation, err, want)
	}
	name := fmt.Sprintf("clad-%d", time.Now().UnixNano())
	if _, err := ch.QueueDeclare(name, false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}

	_, err := other.QueueDeclare(name, false, false, true, false, nil)
	saw("a queue that another connection has for itself", err, answered)
	_, err = channelOf(t, conn).QueueDeclarePassive("clad-nothing", false, false, false, false, nil)
	saw("no such queue", err, answered)
	saw("no such exchange, at a binding", channelOf(t, conn).QueueBind(name, "", "clad-nothing", false, nil), answered)
	_, err = channelOf(t, conn).QueueDeclare(name, false, false, true, false, amqp.Table{"x-max-length": 1})
	saw("the queue exists already, and differs", err, answered)
	saw("not permitted", channelOf(t, conn).ExchangeDeclare("amq.mine", "direct", false, false, false, false, nil), answered)

	lost := channelOf(t, conn)
	closed := lost.NotifyClose(make(chan *amqp.Error, 1))
	if err := lost.PublishWithContext(t.Context(), "clad-nothing", "", false, false, amqp.Publishing{}); err != nil {
		t.Fatal(err)
	}
	saw("no such exchange, some time after the publish", <-closed, answered)
	saw("a channel that an answer has closed", lost.PublishWithContext(t.Context(), "", name, false, false, amqp.Publishing{}), failed)

	ch2 := channelOf(t, conn)
	saw("a header of a type that has no form", ch2.PublishWithContext(t.Context(), "", name, false, false, amqp.Publishing{Headers: amqp.Table{"n": struct{}{}}}), unknown)
	acked := channelOf(t, conn)
	ends := acked.NotifyClose(make(chan *amqp.Error, 1))
	if err := acked.Ack(99, false); err != nil {
		t.Fatal(err)
	}
	saw("an acknowledgement of nothing", <-ends, answered)

	_, err = amqp.Dial("amqp://guest:wrong@" + addr)
	saw("a wrong password", err, answered)
	_, err = amqp.Dial("amqp://guest:guest@" + addr + "/clad-nothing")
	saw("no such virtual host", err, answered)
	_, err = amqp.Dial("http://" + addr)
	saw("an address that is not one", err, refused)

	_ = conn.Close()
	saw("a client that was closed", ch.PublishWithContext(t.Context(), "", name, false, false, amqp.Publishing{}), failed)
}

func TestAMQPConnections(t *testing.T) {
	t.Parallel()
	addr := shared(t, "RabbitMQ", "127.0.0.1:5672")
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		amqpFamily.meets(t, amqpGo, situation, err, want)
	}
	_, err := amqp.Dial("amqp://127.0.0.1:" + freePort(t))
	saw("nobody listens", err, unmade)
	_, err = amqp.DialTLS("amqps://"+addr, &tls.Config{InsecureSkipVerify: true})
	saw("a server without TLS", err, hopeless)

	k := newLink(t, addr)
	conn, ch := openAMQP(t, k.addr)
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	k.swallow()
	time.AfterFunc(200*time.Millisecond, k.cut)
	_, err = conn.Channel()
	saw("the connection breaks while an answer is awaited", err, failed)
	saw("the connection was lost before", ch.PublishWithContext(t.Context(), "", "clad-nothing", false, false, amqp.Publishing{}), failed)
}

func TestAMQPConfirms(t *testing.T) {
	t.Parallel()
	addr := shared(t, "RabbitMQ", "127.0.0.1:5672")
	k := newLink(t, addr)
	_, ch := openAMQP(t, k.addr)
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare("", false, true, true, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	if err != nil {
		t.Fatal(err)
	}
	publish := func() *amqp.DeferredConfirmation {
		t.Helper()
		c, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", q.Name, false, false, amqp.Publishing{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if ok, err := publish().WaitContext(within(t, 5*time.Second)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := publish().WaitContext(within(t, 5*time.Second)); ok || err != nil {
		t.Errorf("a queue that is full: %v, %v", ok, err)
	}
	k.swallow()
	c := publish()
	_, err = c.WaitContext(within(t, 200*time.Millisecond))
	amqpFamily.meets(t, amqpGo, "no confirm before the deadline", err, unknown)
	k.cut()
	if ok, err := c.WaitContext(within(t, 5*time.Second)); ok || err != nil {
		t.Errorf("a connection that was lost: %v, %v", ok, err)
	}
}

func TestAMQPDeadlines(t *testing.T) {
	t.Parallel()
	k := newLink(t, shared(t, "RabbitMQ", "127.0.0.1:5672"))
	_, ch := openAMQP(t, k.addr)
	k.plug()
	const soon, patience = 300 * time.Millisecond, 2 * time.Second
	body := make([]byte, 16<<20) // more than sockets hold
	publish := func(ctx context.Context) func() {
		return func() { _ = ch.PublishWithContext(ctx, "", "clad-nothing", false, false, amqp.Publishing{Body: body}) }
	}
	time.AfterFunc(patience, k.cut)
	way := way{retries: "no", set: "a channel per publisher, opened anew when it ends; `Confirm` and `WaitContext`; a `Dial` whose connections have a write deadline"}
	if d := took(publish(within(t, soon))); d > patience/2 {
		way.deadline, way.cancellation = "no: a publish waits for a broker that does not read", "no"
	} else {
		way.deadline, way.cancellation = "yes", "yes"
	}
	amqpFamily.behaves(amqpGo, way)
}
