package verdict

// mqtt is MQTT, by paho.mqtt.golang, most of whose errors are texts that anybody may
// write: "not Connected", "not Authorized".
var mqtt = client{
	texts: map[string]Meaning{
		"not currently connected and ResumeSubs not set": unmade, // an option of its own
	},
	names: map[string]func(error) bool{
		"mqtt.ErrNotConnected": isText("not Connected"),
	},
}
