// Package jepsen reads histories of registers that others recorded, so that they can be judged like
// Ordeal's own: those that Jepsen and Knossos write in EDN, and the logs of etcd that porcupine is
// published with. Read says what is read how; docs/import.md says it for users.
//
// What the file says is never repaired. A history that breaks the rules (a completion without a
// call, two operations of one process at once, an operation that no register has) is refused with
// the line at which it does, because a verdict about it would mean nothing. A file that was cut
// short is the history up to the cut.
//
// EDN is read by hand (edn.go, atom.go): errors need lines, values need one text for all that
// Clojure calls equal, and a hostile file must neither exhaust the stack nor the memory.
package jepsen
