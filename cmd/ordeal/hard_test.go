package main

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"ordeal/history"
)

// hard writes a history with a key that no search can finish: so many writes of unknown outcome, of
// three values, around a read of a value that was overwritten before; and an easy key.
//
//	hard FILE WRITES
func hard(ts *testscript.TestScript, _ bool, args []string) {
	width, err := strconv.Atoi(args[1])
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	w := history.NewWriter(file, history.Header{Run: "hard", Workload: "register", Model: "register"})
	process := 0
	invoke := func(kind history.Kind, key, value string) history.Operation {
		process++
		op := history.Operation{Process: process, Node: "n1", Kind: kind, Key: key}
		if kind == history.Write {
			op.Value = history.NewValue(value)
		}
		return w.Invoke(op, 0)
	}
	done := history.Result{Outcome: history.OK}
	w.Complete(invoke(history.Write, "easy", "1"), done, 0)
	w.Complete(invoke(history.Write, "hard", "99"), done, 0)
	var open []history.Operation
	for i := range width {
		open = append(open, invoke(history.Write, "hard", strconv.Itoa(i%3)))
	}
	w.Complete(invoke(history.Write, "hard", "0"), done, 0)
	read := invoke(history.Read, "hard", "")
	w.Complete(read, history.Result{Outcome: history.OK, Returned: history.NewValue("99")}, 0)
	for _, op := range open {
		w.Complete(op, history.Result{Outcome: history.Info, Error: "timed out"}, 0)
	}
	w.Mark(history.Mark{Name: history.MarkEnd}, 0)
	ts.Check(w.Sync())
}
