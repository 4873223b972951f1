# OpenRouter: from now on its Broadcast hands over every call of your account, and no application changes.
# Once, with a management key of OpenRouter's; the form under Settings > Observability > Webhook takes the same.
# AFTERTAG_SERVER is where OpenRouter reaches `aftertag serve` (https), AFTERTAG_KEY what `aftertag key create` showed.
curl --fail-with-body --silent --show-error "${OPENROUTER_API:-https://openrouter.ai/api/v1}/observability/destinations" \
  --header "Authorization: Bearer $OPENROUTER_MANAGEMENT_KEY" --header "Content-Type: application/json" \
  --data '{"type": "webhook", "name": "Aftertag",
           "config": {"url": "'"$AFTERTAG_SERVER"'/v1/traces", "method": "POST",
                      "headers": {"Authorization": "Bearer '"$AFTERTAG_KEY"'"}}}'
