package verdict

// mqtt is MQTT, by paho.mqtt.golang.
var mqtt = client{
	texts: map[string]Meaning{
		"server Unavailable":                                     unmade,
		"not Connected":                                          unmade, // or closed: it is the same error
		"no servers defined to connect to":                       refused,
		"not currently connected and ResumeSubs not set":         unmade,
		"reconnecting state and cleansession is true":            unmade,
		"no message IDs available":                               waited,
		"connection lost before Publish completed":               failed,
		"connection lost before Subscribe completed":             failed,
		"connection lost before Unsubscribe completed":           failed,
		"publish was broken by timeout":                          failed,
		"subscribe was broken by timeout":                        failed,
		"unsubscribe was broken by timeout":                      failed,
		"pingresp not received, disconnecting":                   failed,
		"bad user name or password":                              answered,
		"not Authorized":                                         answered,
		"identifier rejected":                                    answered,
		"unacceptable protocol version":                          answered,
		"invalid QoS":                                            refused,
		"invalid Topic; empty string":                            refused,
		"invalid Topic; multi-level wildcard must be last level": refused,
		"invalid subscription; subscribe map must not be empty":  refused,
		"unknown payload type":                                   refused,
	},
	names: map[string]func(error) bool{
		"mqtt.ErrNotConnected": isText("not Connected"),
	},
}
