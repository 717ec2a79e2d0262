package live

import "unicode/utf8"

// Keys takes what a terminal sends apart into keys, and returns what is left of one
// that has not come whole.
func Keys(input []byte) (keys []string, rest []byte) {
	for len(input) > 0 {
		switch b := input[0]; {
		case b == 0x1b:
			key, n := escape(input)
			if n == 0 {
				return keys, input
			}
			if key != "" {
				keys = append(keys, key)
			}
			input = input[n:]
		case b == 0x03:
			keys, input = append(keys, "ctrl+c"), input[1:]
		case b == '\r' || b == '\n':
			keys, input = append(keys, "enter"), input[1:]
		case b == '\t':
			keys, input = append(keys, "tab"), input[1:]
		case b == 0x7f || b == 0x08:
			keys, input = append(keys, "backspace"), input[1:]
		case b < ' ':
			input = input[1:]
		default:
			if !utf8.FullRune(input) {
				return keys, input
			}
			_, n := utf8.DecodeRune(input)
			keys, input = append(keys, string(input[:n])), input[n:]
		}
	}
	return keys, nil
}

var sequences = map[string]string{
	"A": "up", "B": "down", "H": "home", "F": "end", "5~": "pgup", "6~": "pgdown", "1~": "home", "4~": "end",
}

// escape reads a sequence that begins with the escape sign. One that stands alone is
// the key of that name: a terminal sends the others at once.
func escape(input []byte) (key string, n int) {
	if len(input) == 1 || input[1] != '[' && input[1] != 'O' {
		return "esc", 1
	}
	for i := 2; i < len(input); i++ {
		if input[i] >= '@' && input[i] <= '~' {
			return sequences[string(input[2:i+1])], i + 1
		}
		if i > 16 {
			return "", i
		}
	}
	return "", 0
}
