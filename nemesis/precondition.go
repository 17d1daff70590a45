package nemesis

import "errors"

// ErrPrecondition is wrapped by an environment's error when a fault makes no sense as things are,
// such as killing nodes that are all dead: nothing was done, and the fault counts as skipped.
var ErrPrecondition = errors.New("the fault's precondition does not hold")
