package workloads

// Parting tells whether what a client asks for next is the read of a key that was replaced.
func Parting(w Workload, client int) bool {
	var p *partings
	switch w := w.(type) {
	case *register:
		p = w.partings
	case *decision:
		p = w.partings
	}
	return len(p.waiting[client%p.nodes]) > 0
}

const PartingsMax = partingsMax
