package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// A Value is the content of a register: a text, or nothing (the zero Value), which is what a
// register holds that was never written. Values are comparable. In JSON nothing is null.
type Value struct {
	text string
	set  bool
}

// NewValue returns the Value that holds text; the empty text is a value, and not nothing.
func NewValue(text string) Value { return Value{text: text, set: true} }

// IsSet tells whether v is a text and not nothing.
func (v Value) IsSet() bool { return v.set }

// IsZero tells whether v is nothing; encoding/json's omitzero asks it.
func (v Value) IsZero() bool { return !v.set }

// Text returns the text, "" for nothing.
func (v Value) Text() string { return v.text }

// String returns the text for people; nothing is shown as "nothing".
func (v Value) String() string {
	if !v.set {
		return "nothing"
	}
	return v.text
}

// MarshalJSON writes the text as a JSON string, nothing as null. It refuses a text that is not
// UTF-8: encoding/json would write the same replacement for every byte that it cannot, and two
// values that differ would be read back as equal.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.set {
		return []byte("null"), nil
	}
	if !utf8.ValidString(v.text) {
		return nil, fmt.Errorf("the value %q is not valid UTF-8", v.text)
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON reads a JSON string or null.
func (v *Value) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*v = Value{}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a value is %.40s (accepted: a JSON string or null)", data)
	}
	*v = NewValue(text)
	return nil
}
