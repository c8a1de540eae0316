# bash completion for mq-worker
_mq_worker()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' word
	local commands='run enqueue list show retry cancel status kinds reports init config doctor'
	local global='--config --set --data-dir --database-url --json --help --version'
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ " $commands " == *" $word "* ]]; then
			command=$word
			break
		fi
	done
	case $prev in
	--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--data-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--status)
		mapfile -t COMPREPLY < <(compgen -W 'queued running succeeded failed cancelled' -- "$cur")
		return
		;;
	--set)
		mapfile -t COMPREPLY < <(compgen -S = -W "$(mq-worker config 2>/dev/null | cut -f1 | grep -F .)" -- "$cur")
		compopt -o nospace
		return
		;;
	enqueue | kinds | --only | --except | --kind)
		mapfile -t COMPREPLY < <(compgen -W "$(mq-worker kinds 2>/dev/null | cut -f1)" -- "$cur")
		return
		;;
	esac
	case $command in
	'') word="$commands $global --retry" ;;
	run) word="$global --workers --only --except --drain" ;;
	enqueue) word="$global --priority --run-at --unique --max-attempts --requested-by --wait --timeout" ;;
	list) word="$global --status --kind --since --limit" ;;
	retry) word="$global --kind --since --dry-run" ;;
	*) word=$global ;;
	esac
	[[ $command != '' && $cur != -* ]] && word=''
	case $command in
	show) [[ $cur == -* ]] || word=$(mq-worker list 2>/dev/null | cut -f1) ;;
	retry) [[ $cur == -* ]] || word=$(mq-worker list --status failed 2>/dev/null | cut -f1) ;;
	cancel) [[ $cur == -* ]] || word=$(mq-worker list --status queued,running 2>/dev/null | cut -f1) ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}
complete -F _mq_worker mq-worker
