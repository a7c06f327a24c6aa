# Bash completion for tvbridge: source it, or install it as /usr/share/bash-completion/completions/tvbridge.
# Commands and options come from the program's own --help, so that this file has nothing to keep up with.

_tvbridge_options() {
    "$@" --help 2>/dev/null | sed -nE 's/^ +(-., )?(--[a-z-]+).*/\2/p'
}

_tvbridge() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} commands command=()
    COMPREPLY=()
    commands=$("$program" --help 2>/dev/null | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+( [a-z]+)?)  .*/\1/p')

    case $previous in
    --settings | -S | --file | -f | --header-file | --ca-file | --map | -m | --desired | --catalogue | --apply | --out | --tariffs)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --dialect)
        mapfile -t COMPREPLY < <(compgen -W "abills isp-integrator ispadmin ixc mk" -- "$current")
        return
        ;;
    --schemas)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --outcome | -o)
        mapfile -t COMPREPLY < <(compgen -W "applied unchanged superseded stale rejected dead expired preview conflict
            held in_doubt waiting dead_letter" -- "$current")
        return
        ;;
    --cause | -c)
        mapfile -t COMPREPLY < <(compgen -W "dead doubt date retry flood guard first_access activation implausible behind
            invalid misplaced conflict mixed_order in_doubt" -- "$current")
        return
        ;;
    esac

    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$commands" | uniq) --help --version" -- "$current")
        return
    fi
    command=("${COMP_WORDS[1]}")
    local seconds
    seconds=$(sed -nE "s/^${COMP_WORDS[1]} //p" <<<"$commands")
    if [ -n "$seconds" ] && ! grep -qxF -- "${COMP_WORDS[1]}" <<<"$commands"; then
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$seconds" -- "$current")
            return
        fi
        command+=("${COMP_WORDS[2]}")
    elif [ "$COMP_CWORD" -gt 2 ] && grep -qxF -- "${COMP_WORDS[2]}" <<<"$seconds"; then # `serve` is a command, and so is `serve key`
        command+=("${COMP_WORDS[2]}")
    elif [ -n "$seconds" ] && [[ $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$seconds" -- "$current")
        return
    fi
    case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_tvbridge_options "$program" "${command[@]}") --help" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}

complete -o filenames -F _tvbridge tvbridge
