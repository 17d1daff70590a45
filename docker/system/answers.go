package system

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ordeal/history"
)

// resultOf reads the answer 200 to an operation. An answer that lacks what it must hold is an
// error: nothing is guessed.
func resultOf(op history.Operation, body []byte) (history.Result, error) {
	var answer struct {
		Value   json.RawMessage `json:"value"`
		Applied *bool           `json:"applied"`
		Chosen  json.RawMessage `json:"chosen"`
		Learned json.RawMessage `json:"learned"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return history.Result{}, err
	}
	result := history.Result{Outcome: history.OK}
	var err error
	switch op.Kind {
	case history.Read:
		result.Returned, err = member("value", answer.Value)
	case history.Write:
		err = echoed(op.Value, answer.Value)
	case history.CompareAndSet:
		switch {
		case answer.Applied == nil:
			err = errors.New(`"applied" is missing`)
		case *answer.Applied:
			result.Applied = true
			err = echoed(op.Value, answer.Value)
		default:
			result.Returned, err = member("value", answer.Value)
		}
	case history.Propose:
		result.Returned, err = member("chosen", answer.Chosen)
		if err == nil && !result.Returned.IsSet() {
			err = errors.New(`"chosen" is null`)
		}
	case history.Learn:
		result.Returned, err = member("learned", answer.Learned)
	}
	if err != nil {
		return history.Result{}, err
	}
	return result, nil
}

// member reads a member that must be there: a string, or null for nothing.
func member(name string, raw json.RawMessage) (history.Value, error) {
	if raw == nil {
		return history.Value{}, fmt.Errorf("%q is missing", name)
	}
	var value history.Value
	if err := json.Unmarshal(raw, &value); err != nil {
		return history.Value{}, fmt.Errorf("%q: %w", name, err)
	}
	return value, nil
}

// echoed checks that a register holds what was set: the answer to another request must not pass
// for this one's.
func echoed(set history.Value, raw json.RawMessage) error {
	holds, err := member("value", raw)
	if err == nil && holds != set {
		err = fmt.Errorf("it set %q and says that the register holds %q", set, holds)
	}
	return err
}

// saysNotApplied tells whether a body is a node's own word that an operation had no effect.
func saysNotApplied(body []byte) bool {
	var answer struct {
		Outcome string `json:"outcome"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Outcome == "not applied"
}

// saysLost tells whether a body is a node's own word that it has lost its disk.
func saysLost(body []byte) bool {
	var answer struct {
		Lost bool `json:"lost"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Lost
}

// errorTextMax bounds what is kept of a body that is not understood, in bytes.
const errorTextMax = 200

// reasonIn returns why a node did not answer 200, in its own words.
func reasonIn(body []byte) string {
	var answer struct {
		Error  string `json:"error"`
		Reason string `json:"reason"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error+answer.Reason != "" {
		return answer.Error + answer.Reason
	}
	if len(body) == 0 {
		return "it gives no reason"
	}
	return fmt.Sprintf("%.*q", errorTextMax, bytes.TrimSpace(body))
}

// answerMax bounds an answer, in bytes: a value in which each byte is escaped, and what is around
// it.
const answerMax = 64 << 10

// readAnswer reads a body to its end. One that is cut short or too long is an error.
func readAnswer(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, answerMax+1))
	if err == nil && len(data) > answerMax {
		err = fmt.Errorf("an answer of more than %d bytes", answerMax)
	}
	return data, err
}
