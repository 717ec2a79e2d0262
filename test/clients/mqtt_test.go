package clients

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const paho = "github.com/eclipse/paho.mqtt.golang"

var mqttFamily = &family{
	title: "MQTT",
	intro: "paho takes no contexts: `Token.Wait` ends when the broker has answered, `Token.WaitTimeout` in time. What is forbidden is dropped by the broker in silence: the publish succeeds, with a confirm. Its errors are texts that may be anybody's: `container.Answers(packets.ErrorRefusedNotAuthorised, packets.ErrorRefusedBadUsernameOrPassword)` makes answers of those at `Connect`.",
}

func startMosquitto(t *testing.T, config string) *server {
	t.Helper()
	port := freePort(t)
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	config = fmt.Sprintf("listener %s 127.0.0.1\nuser root\n%s\n", port, config)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, port, "mosquitto", "-c", file)
}

func mqttOptions(addr string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetConnectTimeout(2 * time.Second).SetAutoReconnect(false).SetClientID(fmt.Sprint("clad", time.Now().UnixNano()))
}

func openMQTT(t *testing.T, o *mqtt.ClientOptions) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(o)
	if err := done(c.Connect()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

var errNotInTime = errors.New("not in time")

func done(token mqtt.Token) error {
	if !token.WaitTimeout(5 * time.Second) {
		return errNotInTime
	}
	return token.Error()
}

func TestMQTT(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	passwords, permissions := filepath.Join(dir, "passwords"), filepath.Join(dir, "permissions")
	installed(t, "mosquitto_passwd")
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", passwords, "clad", "secret").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	if err := os.WriteFile(permissions, []byte("user clad\ntopic read allowed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startMosquitto(t, "allow_anonymous true")
	locked := startMosquitto(t, "allow_anonymous false\npassword_file "+passwords+"\nacl_file "+permissions)
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		mqttFamily.meets(t, paho, situation, err, want)
	}
	c := openMQTT(t, mqttOptions(s.addr))
	saw("a subscription to a topic that is not one", done(c.Subscribe("a/#/b", 1, nil)), unknown)
	saw("a quality of service that is not one", done(c.Subscribe("a", 7, nil)), unknown)
	saw("a payload that is not one", done(c.Publish("a", 1, false, 7)), unknown)
	saw("nobody listens", done(mqtt.NewClient(mqttOptions("127.0.0.1:"+freePort(t))).Connect()), failed) // two errors beside each other, of which one does not say it
	saw("a wrong password", done(mqtt.NewClient(mqttOptions(locked.addr).SetUsername("clad").SetPassword("wrong")).Connect()), unknown)

	reader := openMQTT(t, mqttOptions(locked.addr).SetUsername("clad").SetPassword("secret"))
	if err := done(reader.Publish("forbidden", 1, false, "x")); err != nil {
		t.Errorf("a topic that is forbidden: %v", err)
	}
	if err := done(reader.Subscribe("forbidden", 1, nil)); err != nil {
		t.Errorf("a subscription to a topic that is forbidden: %v", err)
	}

	k := newLink(t, s.addr)
	far := openMQTT(t, mqttOptions(k.addr))
	k.swallow()
	token := far.Publish("a", 1, false, "x")
	if token.WaitTimeout(300 * time.Millisecond) {
		t.Error("it was confirmed")
	}
	k.cut()
	saw("the connection breaks while a confirm is awaited", done(token), unknown)
	saw("the connection was lost before", done(far.Publish("a", 1, false, "x")), unknown)
	c.Disconnect(10)
	saw("a client that was closed", done(c.Publish("a", 1, false, "x")), unknown)
	retries := "no"
	if n := heardOfMQTT(t, s.addr); n > 1 {
		retries = fmt.Sprintf("what was published with QoS 1, and its confirm lost, came %d times", n)
	}
	mqttFamily.behaves(paho, way{
		deadline: "no contexts: by `WaitTimeout`", cancellation: "no contexts", retries: retries,
		set: "`Token.WaitTimeout` or `Done`; `SetWriteTimeout`; `SetConnectTimeout`",
	})
}

// heardOfMQTT counts how often a message comes whose confirm is lost, with the
// connection.
func heardOfMQTT(t *testing.T, addr string) int {
	t.Helper()
	came := make(chan string, 10)
	listener := openMQTT(t, mqttOptions(addr))
	if err := done(listener.Subscribe("news", 1, func(_ mqtt.Client, m mqtt.Message) { came <- string(m.Payload()) })); err != nil {
		t.Fatal(err)
	}
	k := newLink(t, addr)
	c := openMQTT(t, mqttOptions(k.addr).SetAutoReconnect(true).SetConnectRetryInterval(50*time.Millisecond).SetMaxReconnectInterval(50*time.Millisecond).SetCleanSession(false))
	k.swallow()
	token := c.Publish("news", 1, false, "x")
	<-came
	time.Sleep(300 * time.Millisecond) // real time: the confirm is on its way, and must not find the link healed
	k.heal()
	k.cut()
	if err := done(token); err != nil {
		t.Error(err)
	}
	if err := done(c.Publish("news", 1, false, "last")); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		if <-came == "last" {
			return n
		}
	}
}
