aftertag import langfuse-observations.csv --workspace acme              # or .json, .jsonl, .gz, traces with them
aftertag import spend-logs.json --workspace acme                        # LiteLLM: LiteLLM_SpendLogs or /spend/logs
aftertag import batch_output.jsonl batch_input.jsonl --workspace acme   # OpenAI: answers and what was asked
aftertag import conversations.jsonl --workspace acme                    # {"messages": […]} a line
